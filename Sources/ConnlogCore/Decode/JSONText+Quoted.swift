import ConnlogSystem

extension JSONText {
    /// A string as a JSON string, quotes included. For messages, not for the hot path.
    package static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        escape(text, into: &buffer)
        return "\"\(buffer.text)\""
    }
}
