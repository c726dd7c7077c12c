private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// A detached POSIX thread.
package enum Thread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Runs `body` on a new thread until it returns.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let box = unsafe Unmanaged.passRetained(Body(name: name, run: body)).toOpaque()
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                unsafe connlog_name_thread(body.name)
                body.run()
                return nil
            }, box)
        precondition(failure == 0, "no thread could be made: \(SystemError.text(of: failure))")
        pthread_detach(thread)
    }
}
