internal import CWeirPlugin
internal import WeirBatch

/// A batch as C structures. What they point to lives as long as this object, and a row's arrays until the next row.
@safe
final class LentBatch {
    let batch: weir_batch

    private let views: [LentView]
    private let arena: Arena

    init(_ decoded: Batch) {
        let arena = Arena()
        self.arena = arena
        let strings = LentStrings(decoded.strings, in: arena)
        views = decoded.views.map { LentView($0, endTime: decoded.endTime, strings, in: arena) }
        let resource = unsafe decoded.resource.map { attribute in
            unsafe weir_tag(key: arena.text(attribute.key), value: arena.text(attribute.value))
        }
        unsafe batch = weir_batch(
            size: 0, reserved: 0, views_count: decoded.views.count, resource: arena.array(resource),
            resource_count: resource.count)
    }

    func view(_ index: Int) -> weir_view? {
        unsafe views.indices.contains(index) ? views[index].view : nil
    }

    func row(_ row: Int, of index: Int) -> weir_row? {
        unsafe views.indices.contains(index) ? views[index].row(row) : nil
    }
}
