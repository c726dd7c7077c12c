#if Server

/// What somebody else says of whoever wants to come in.
package enum Verdict: Sendable, Equatable {
    case person(AccessList.Entry)
    /// Nobody is known by that.
    case unknown
    /// Something that would be a token if it were good, with why it is not.
    case invalid(String)
    /// Somebody who may not, with why.
    case refused(String)
    /// Nothing is said now; one sentence for whoever asks, without names of hosts.
    case unavailable(String)
    /// Too many have asked for what nobody is known by.
    case tooMany

    /// In one word, for figures.
    var outcome: String {
        switch self {
        case .person: "let_in"
        case .unknown: "unknown"
        case .invalid: "invalid"
        case .refused: "refused"
        case .unavailable: "unavailable"
        case .tooMany: "too_many"
        }
    }
}

extension HTTPCounts {
    func signIn(_ type: String, _ verdict: Verdict) { signIn(type, verdict.outcome) }
}

/// Names of people, as somebody else writes them.
package enum VouchedName {
    static let charactersMax = 128
    static let bytesMax = 512

    /// Whether a text can stand for a person in a log and on a page: up to 128 characters and 512 bytes, none of which is a
    /// blank or looks like one, breaks a line, turns the direction of writing, is not to be seen, or belongs to a letter
    /// that is not there.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, text.utf8.count <= bytesMax, text.count <= charactersMax,
            !isMark(first)
        else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            // Fonts show the Hangul fillers and the like as nothing, and Braille without dots as a blank. A replacement
            // character stands for bytes that are no text, so that several names would be one.
            if scalar.properties.isDefaultIgnorableCodePoint || ["\u{2800}", "\u{fffd}"].contains(scalar) {
                return false
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
                .paragraphSeparator:
                return false
            default: return true
            }
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        [.nonspacingMark, .spacingMark, .enclosingMark].contains(scalar.properties.generalCategory)
    }

    /// Whether one of these texts stands in a list, whatever their case.
    package static func isListed(_ texts: [String], in list: Set<String>) -> Bool {
        texts.contains { list.contains($0.lowercased()) }
    }
}
#endif
