package import Weir

extension OverflowPolicy {
    /// Reads a policy as a configuration spells it; what is around a mapping may be left out.
    ///
    ///     lifo
    ///     block: {deadline: 1s}
    ///     {block: {deadline: 1s}}
    ///
    /// - Parameter place: What errors call the text: an option of a command.
    /// - Throws: ``ConfigurationError`` with everything that is wrong.
    package init(spelled text: String, place: String) throws(ConfigurationError) {
        let isBare = text.contains(":") && !text.hasPrefix("{")
        let source = try SourceText(Array("policy: \(isBare ? "{\(text)}" : text)".utf8), name: place)
        // No variable of the environment has a say in what stands on a command line.
        let reading = Reading(source, environment: [:])
        var policy: OverflowPolicy?
        if let root = YAMLDocument.read(reading) {
            var reader = MappingReader(root, path: Path(), at: .file, canOverride: false, reading: reading)
            policy = PolicyReader.policy(&reader)
            if policy == nil, !reading.hasProblems {
                reader.reportMissing("policy", "expected one of " + PolicyReader.names.joined(separator: ", "))
            }
            reader.finish()
        }
        guard let policy, !reading.hasProblems else { throw reading.error }
        self = policy
    }
}
