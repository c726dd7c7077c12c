/// A text that equals another only when their bytes do.
///
/// Swift's own texts are equal when they mean the same characters: `é` as one scalar or as two, so a dictionary by texts takes
/// one event's for another's, and the databases, which compare bytes, do not.
package struct ExactText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (one: ExactText, other: ExactText) -> Bool {
        one.text.utf8.elementsEqual(other.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(0xff as UInt8)
    }
}
