#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import Foundation

/// What the forwarder and its server process tell each other, as the kind of a frame.
///
///     from the forwarder   configuration, stop, changed, ping, settle
///     from the server      state, pong, overview (answered by overview),
///                          settled; audit, a line of an `AuditEvent`; auditsLost
///                          intake: limit, bytes and end, these two answered by intakeReply; cancel
enum ServerMessage: UInt8, Sendable {
    /// `ServerConfiguration`: serve as it says, from now on.
    case configuration = 1
    /// Take no more questions, finish those that there are, end.
    case stop
    /// The store has something new.
    case changed
    /// Answered by `pong` with the same id, from where questions are answered.
    case ping
    case pong
    /// `ServerState`
    case state
    /// A question without payload; its answer is an `Overview`.
    case overview
    /// Bytes of the input with this id, which they begin if it is new.
    case intakeBytes
    /// No more will come of this input.
    case intakeEnd
    /// Nobody waits for this input any more.
    case intakeCancel
    /// `IntakeReply`, one for each `intakeBytes` and `intakeEnd`.
    case intakeReply
    /// The only organizations whose events the input with this id, which is new, may hold.
    case intakeLimit
    /// Somebody has asked something; a line of an `AuditEvent`. No answer.
    case audit
    /// Answered by `settled` once all that was told before is on its way.
    case settle
    case settled
    /// How many audit events could not be sent while the forwarder took nothing. No answer.
    case auditsLost
}

/// What the server process works by.
struct ServerConfiguration: Codable, Sendable {
    var version: String
    var connlog: Section
    /// `[store]`, `[server]`, `[access]` and `[directory]`.
    var sections: [Section]
    /// There is a source of `type = ingest`.
    var hasIntake: Bool

    func sections(ofKind kind: String) -> [Section] { sections.filter { $0.kind == kind } }
}

/// How the server process is.
struct ServerState: Codable, Sendable, Equatable {
    var isListening = false
    /// Where it listens, or why it does not.
    var words = ""
}

/// What became of bytes that were handed in.
struct IntakeReply: Codable, Sendable {
    /// Once the end has been told.
    var report: IntakeReport?
    var error: IntakeError?
}

extension Frame {
    init(_ message: ServerMessage, id: UInt64 = 0, _ payload: [UInt8] = []) {
        self.init(kind: message.rawValue, id: id, payload: payload)
    }

    /// - Throws: what `JSONEncoder` says of a value that JSON cannot hold.
    init(_ message: ServerMessage, id: UInt64 = 0, of value: some Encodable) throws {
        let encoder = JSONEncoder()
        // A sink's figure may be anything.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "+Inf", negativeInfinity: "-Inf", nan: "NaN")
        self.init(message, id: id, Array(try encoder.encode(value)))
    }

    var message: ServerMessage? { ServerMessage(rawValue: kind) }

    func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "+Inf", negativeInfinity: "-Inf", nan: "NaN")
        return try decoder.decode(type, from: Data(payload))
    }
}
#endif
