/// How many columns of a terminal a text takes: none for a mark over the character before it, two for a wide one of East
/// Asia and for an emoji, one for the rest.
///
/// For text that `TerminalText` has made fit: what a terminal acts upon has no width.
package enum DisplayWidth {
    package static func of(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + of($1) }
    }

    package static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        // The vowels and final consonants of Hangul are drawn into the syllable before them.
        if (0x1160...0x11ff).contains(scalar.value) { return 0 }
        return isWide(scalar) ? 2 : 1
    }

    /// The text in at most so many columns, with `…` as the last of them where something was left out. No more than four
    /// marks stay over one character: they could reach over lines above and below.
    package static func cut(_ text: String, to columns: Int) -> String {
        if columns <= 0 { return "" }
        if text.utf8.count <= columns, text.utf8.allSatisfy({ $0 < 0x7f }) { return text }
        var (kept, width, marks) = (String.UnicodeScalarView(), 0, 0)
        // Where it would be cut.
        var short = (text: String.UnicodeScalarView(), width: 0)
        for scalar in text.unicodeScalars {
            let added = of(scalar)
            marks = added == 0 ? marks + 1 : 0
            if marks > marksMax { continue }
            width += added
            guard width <= columns else { return String(short.text) + "…" }
            kept.append(scalar)
            if width < columns { short = (kept, width) }
        }
        return String(kept)
    }

    private static let marksMax = 4

    /// The text with blanks after it, or before it, up to so many columns.
    package static func padded(_ text: String, to columns: Int, onLeft: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, columns - of(text)))
        return onLeft ? blanks + text : text + blanks
    }

    /// `W` and `F` of Unicode's East Asian Width, in its blocks, and emoji that are drawn as such by themselves.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2329...0x232a, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3,
        0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18dff,
        0x1aff0...0x1b2ff, 0x1d300...0x1d376, 0x1f200...0x1f2ff, 0x20000...0x3fffd,
    ]

    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x1100 { return false }
        return wide.contains { $0.contains(scalar.value) } || scalar.properties.isEmojiPresentation
    }
}
