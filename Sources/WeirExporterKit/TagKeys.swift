internal import CWeirPlugin

/// The keys of a view's tags as strings, made once for all rows.
@safe
struct TagKeys {
    /// By the tag's place in its row.
    private var known: [(text: weir_text, string: String)] = unsafe []

    /// A row's tags.
    mutating func tags(_ tags: UnsafePointer<weir_tag>?, count: Int) -> [DeliveredTag] {
        unsafe UnsafeBufferPointer(start: tags, count: count).enumerated().map { index, tag in
            unsafe DeliveredTag(key: key(tag.key, at: index), value: String(tag.value))
        }
    }

    /// A key that lies where that of the row before did is the same one: keys are good until the delivery returns.
    private mutating func key(_ text: weir_text, at index: Int) -> String {
        if unsafe index < known.count, unsafe known[index].text.bytes == text.bytes,
            unsafe known[index].text.length == text.length
        {
            return unsafe known[index].string
        }
        let string = unsafe String(text)
        if unsafe index < known.count {
            unsafe known[index] = unsafe (text, string)
        } else {
            unsafe known.append((text, string))
        }
        return string
    }
}
