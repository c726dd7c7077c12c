import ConnlogSystem

extension JSONText {
    /// A string as a JSON string, quotes included. For messages and answers, not for the hot path.
    package static func quoted(_ text: String) -> String {
        if isPlain(text) { return "\"\(text)\"" }
        var buffer = ByteBuffer()
        escape(text, into: &buffer)
        return "\"\(buffer.text)\""
    }

    /// Nothing in it is written otherwise than it is.
    static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
            default: byte >= 0x20 && byte < 0x80
            }
        }
    }
}
