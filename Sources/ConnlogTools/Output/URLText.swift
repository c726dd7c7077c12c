/// Text in a URL.
package enum URLText {
    /// A value for a parameter: what is no letter and no digit of ASCII as `%XX`.
    package static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }
}
