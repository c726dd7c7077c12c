#if Server
import ConnlogCore
import ConnlogSystem
import HTTPTypes
import Hummingbird
import NIOCore

/// `POST /api/v2/connectionlog/ingest`: lines in any format that the decoder knows, gzip allowed.
///
/// 200 means that all events are on the disk. With any other answer some may be: handing the same in again is safe,
/// since an event is known by its `ID`.
struct IngestHandler {
    let intake: any EventIntake
    /// Of the lines, after unpacking.
    let bytesMax: Int

    /// Packed bytes are unpacked so many at a time: gzip makes at most a thousand times as many of them.
    private static let packedPiece = 4 << 10

    func respond(_ request: Request) async throws -> Response {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bytesMax { throw tooLarge }
        let encoding = request.headers[.contentEncoding]?.lowercased() ?? "identity"
        guard ["identity", "gzip", "x-gzip"].contains(encoding) else {
            throw APIError(
                status: .unsupportedMediaType, message: "Only gzip is known as Content-Encoding.",
                headers: [.acceptEncoding: "gzip, identity"])
        }
        do {
            let session = try intake.begin()
            let bytes =
                encoding == "identity" ? try await takePlain(request, session) : try await takePacked(request, session)
            let report = try await session.finish()
            return .json(IngestHandler.json(report, bytes))
        } catch let error as IntakeError {
            throw IngestHandler.answer(error)
        }
    }

    private func takePlain(_ request: Request, _ session: any IntakeSession) async throws -> Int {
        var total = 0
        for try await piece in request.body {
            total += piece.readableBytes
            if total > bytesMax { throw tooLarge }
            let bytes = Array(piece.readableBytesView)
            try await session.take(bytes.span)
        }
        return total
    }

    private func takePacked(_ request: Request, _ session: any IntakeSession) async throws -> Int {
        let stream = GunzipStream()
        var total = 0
        do {
            for try await piece in request.body {
                let packed = Array(piece.readableBytesView)
                for start in stride(from: 0, to: packed.count, by: IngestHandler.packedPiece) {
                    let end = min(packed.count, start + IngestHandler.packedPiece)
                    var bytes = ConnlogSystem.ByteBuffer()
                    try stream.update(packed.span.extracting(start..<end), into: &bytes)
                    total += bytes.count
                    if total > bytesMax { throw tooLarge }
                    try await session.take(bytes.span)
                }
            }
            try stream.finish()
        } catch let error as GunzipError {
            throw APIError(status: .badRequest, message: "The body is not gzip.", detail: "\(error)")
        }
        return total
    }

    private var tooLarge: APIError {
        APIError(
            status: .contentTooLarge, message: "The body is too large.",
            detail: "At most \(bytesMax) bytes of lines at once; send them in parts.")
    }

    private static func answer(_ error: IntakeError) -> APIError {
        switch error {
        case .full(let why):
            APIError(
                status: .tooManyRequests, message: "The queue takes nothing for now.", detail: why,
                headers: [.retryAfter: "5"])
        case .stopping:
            APIError(status: .serviceUnavailable, message: "connlog is stopping.", headers: [.retryAfter: "10"])
        case .failed(let why):
            APIError(
                status: .serviceUnavailable, message: "The events could not be written to the disk; send them again.",
                detail: why, headers: [.retryAfter: "5"])
        }
    }

    private static func json(_ report: IntakeReport, _ bytes: Int) -> JSONValue {
        [
            "accepted": JSONValue(report.accepted), "duplicates": JSONValue(report.duplicates),
            "skipped": JSONValue(report.skipped), "refused": JSONValue(report.refused), "bytes": JSONValue(bytes),
            "refusals": .array(report.refusals.map { ["line": JSONValue($0.line), "reason": .string($0.reason)] }),
        ]
    }
}
#endif
