import ConnlogCore

/// What is wrong now, said once when it begins, again when it changes, and taken back when it is over.
struct Complaints: Sendable {
    private let log: LogFunction
    private var texts: [String: String] = [:]

    init(_ log: @escaping LogFunction) {
        self.log = log
    }

    /// Nothing is wrong.
    var isEmpty: Bool { texts.isEmpty }

    mutating func set(_ subject: String, _ text: String) {
        guard texts[subject] != text else { return }
        texts[subject] = text
        log(.warning, text)
    }

    /// - Parameter text: what is said instead of the usual words.
    mutating func clear(_ subject: String, saying text: String? = nil) {
        guard texts.removeValue(forKey: subject) != nil else { return }
        log(.info, text ?? "\(subject): can be read now")
    }

    /// Takes back what was said about everything else.
    mutating func keep(_ subjects: Set<String>) {
        for subject in texts.keys.sorted() where !subjects.contains(subject) { clear(subject) }
    }
}
