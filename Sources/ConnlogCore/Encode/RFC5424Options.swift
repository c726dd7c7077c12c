/// What stands in every syslog message, and how large one may be.
public struct RFC5424Options: Sendable, Equatable {
    /// What the free text (MSG) is.
    public enum Message: String, Sendable, CaseIterable {
        /// One short English sentence.
        case sentence
        /// The record as it is.
        case json
        case none
        /// The event in a format of its own, instead of structured data: see `SIEMFormat`.
        case cef, leef, ecs, ocsf

        /// What the message is a format's, if it is.
        package var format: SIEMFormat? { SIEMFormat(rawValue: rawValue) }
    }

    /// Whether the free text begins with the UTF-8 byte order mark (RFC 5424 §6.4), which many receivers show as junk.
    public enum ByteOrderMark: String, Sendable, CaseIterable {
        /// Only where there is something other than ASCII.
        case auto
        case always, never
    }

    /// What a receiver must be able to take, whatever the transport (RFC 5424 §6.1).
    public static let bytesMin = 480

    /// The facility of the priority (RFC 5424, 6.2.1).
    public var facility = Facility.local0
    /// Characters that do not belong there become `_`; what is too long is cut. Empty is unknown.
    public var hostname = ""
    /// APP-NAME (6.2.5): up to 48 characters of printable ASCII.
    public var appName = "coder"
    /// The process that sends.
    public var pid: Int32 = 0
    /// A name and an enterprise number; 32473 is the number for documentation (RFC 5612).
    public var structuredDataID = "connlog@32473"
    /// What the message says (6.4).
    public var message = Message.sentence
    /// Whether the message begins with a byte order mark (6.4).
    public var byteOrderMark = ByteOrderMark.auto
    /// Of a whole message, without framing; less than `bytesMin` counts as that.
    public var bytesMax = Int.max
    /// connlog's version, to be told in an `origin` element; `nil` leaves that out.
    public var originVersion: String?
    /// Adds `meta sequenceId`, which counts the messages of this encoder from 1 (RFC 5424 §7.3.1).
    public var addsSequence = false

    /// As connlog's configuration has them without a key.
    public init() {}

    /// Whether a text can be an SD-ID: 1 to 32 printable ASCII characters without `=`, blank, `]` and `"`, and with an
    /// enterprise number after an `@` (RFC 5424 §6.3.2).
    public static func isStructuredDataID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let isName = bytes.allSatisfy { 33...126 ~= $0 && !Array("=]\"".utf8).contains($0) }
        guard isName, 1...32 ~= bytes.count else { return false }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return false }
        let numbers = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return numbers.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    }

    /// A header field: printable ASCII, at most `lengthMax` bytes, `-` for nothing.
    static func headerField(_ text: String, _ lengthMax: Int) -> [UInt8] {
        let bytes = text.unicodeScalars.prefix(lengthMax).map {
            33...126 ~= $0.value ? UInt8($0.value) : UInt8(ascii: "_")
        }
        return bytes.isEmpty ? [UInt8(ascii: "-")] : bytes
    }
}
