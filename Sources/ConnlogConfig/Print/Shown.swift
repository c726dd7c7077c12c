/// Text that came from outside, made fit for one line of a terminal: control characters become U+FFFD, the user and
/// password of a URL are masked, and a long text is cut.
func shown(_ text: String, charactersMax: Int = 80) -> String {
    var result = ""
    var count = 0
    for character in maskingUserInfo(text) {
        if count == charactersMax { return result + "..." }
        result.append(isControl(character) ? "\u{FFFD}" : character)
        count += 1
    }
    return result
}

/// Whether a character could move the cursor, colour the terminal or turn the direction of text.
func isControl(_ character: Character) -> Bool {
    character.unicodeScalars.contains { scalar in
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

/// `https://user:password@host` as `https://********@host`.
func maskingUserInfo(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "@")) else { return text }
    var result: [UInt8] = []
    // After a `://`, where the user info would begin; forgotten at the first byte that ends it.
    var start: Int?
    for byte in text.utf8 {
        if byte == UInt8(ascii: "@"), let from = start, from < result.count {
            result.replaceSubrange(from..., with: Array(secretMask.utf8))
        }
        result.append(byte)
        if result.suffix(3).elementsEqual("://".utf8) {
            start = result.count
        } else if byte == UInt8(ascii: "/") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: ",") {
            start = nil
        }
    }
    return String(decoding: result, as: UTF8.self)
}
