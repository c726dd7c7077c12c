import Dispatch

/// Waiting for what another thread, program or task brings about; the only place where tests let time go by.
///
/// No test has a limit on the clock: a busy machine only makes it last longer.
package enum Waiting {
    /// What is still not so after this time hangs.
    package static let patience = Duration.seconds(600)

    /// Something that has to come did not.
    package struct StillNotSo: Error, CustomStringConvertible {
        package let description: String
    }

    /// Asks again and again until it is so.
    /// - Throws: what `isSo` throws, or `StillNotSo` after `patience`.
    package static func until(
        _ what: String = "what has to come", isolation: isolated (any Actor)? = #isolation,
        _ isSo: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + patience
        while try await !isSo() {
            try Task.checkCancellation()
            guard ContinuousClock.now < deadline else {
                throw StillNotSo(description: "still not so after \(patience): \(what)")
            }
            await moment()
        }
    }

    /// Some milliseconds in which nobody's thread is kept and no processor is used.
    package static func moment() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(5)) { continuation.resume() }
        }
    }
}
