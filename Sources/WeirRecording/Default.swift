/// Registers views with the process's own ``Stats``: from now on, measurements of their measures make series.
///
/// All of them, or none where one is in conflict. Registering a view that is registered already changes nothing.
///
/// - Throws: ``StatsError`` that names the view, and the field in which it differs from the one registered.
public func register(_ views: View...) throws(StatsError) {
    try Stats.default.register(views)
}

/// Registers views with the process's own ``Stats``.
///
/// - Throws: ``StatsError`` that names the view, and the field in which it differs from the one registered.
public func register(_ views: [View]) throws(StatsError) {
    try Stats.default.register(views)
}

/// Unregisters a view of the process's own ``Stats``. Its series end: the next batch has their last values.
///
/// - Throws: ``StatsError/unknownView(name:)``.
public func unregister(_ name: String) throws(StatsError) {
    try Stats.default.unregister(name)
}

/// Forgets series of the process's own ``Stats``: those that have all of these tags, of one view or of all.
///
/// - Returns: How many.
@discardableResult
public func forget(_ tags: Tags, of view: String? = nil) -> Int {
    Stats.default.forget(tags, of: view)
}
