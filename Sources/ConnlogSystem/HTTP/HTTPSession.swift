internal import CCurl
private import Synchronization
#if canImport(Glibc)
import Glibc
#endif

/// HTTP/1.1 over libcurl: one multi handle, one thread of its own, any number of requests at once.
///
/// `perform` suspends its task; the thread resumes it. Connections are kept and used again. Redirects are never
/// followed (they would carry credentials elsewhere), `Expect: 100-continue` is never sent (it costs a round trip or
/// a second of waiting), TLS is 1.2 or newer, and only http and https are spoken. Names are resolved again for each
/// connection, and their addresses taken in random order.
///
///     task ── submit ──▶ inbox (lock) ──▶ thread: curl_multi_perform, curl_multi_poll ── resume ──▶ task
///
/// The thread ends when the session is let go.
package final class HTTPSession: Sendable {
    private let engine: HTTPEngine
    private let numbers = Atomic<UInt64>(0)

    package init(_ settings: HTTPSettings) {
        engine = HTTPEngine(settings)
        let engine = engine
        Thread.start("http") { engine.run() }
    }

    deinit { engine.close() }

    /// Sends a request and waits for the reply. Cancelling the task breaks the connection off.
    package func perform(_ request: consuming HTTPRequest) async -> HTTPResult {
        let number = numbers.add(1, ordering: .relaxed).newValue
        let transfer = HTTPTransfer(number, request)
        let engine = engine
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.continuation = continuation
                engine.submit(transfer)
            }
        } onCancel: {
            engine.cancel(number)
        }
        engine.forget(number)
        return result
    }
}

/// The thread's side of a session.
///
/// `@unchecked Sendable`: `inbox` is touched only while its mutex is held; `multi` is made before the thread starts,
/// used by that thread alone, save for `curl_multi_wakeup`, which libcurl allows from anywhere and which is called
/// only under the inbox's lock while the inbox is open; the rest belongs to the thread.
@safe private final class HTTPEngine: @unchecked Sendable {
    private struct Inbox: Sendable {
        var started: [HTTPTransfer] = []
        /// Submitted and not finished.
        var live: Set<UInt64> = []
        var cancelled: [UInt64] = []
        /// Cancelled before they were submitted.
        var cancelledEarly: Set<UInt64> = []
        var isClosed = false
    }

    private static let pollMilliseconds: Int32 = 60_000
    private static let isLibraryReady = connlog_curl_global_init() == CURLE_OK

    private let settings: HTTPSettings
    private let inbox = Mutex(Inbox())
    private let multi: UnsafeMutableRawPointer
    private var running: [UInt64: HTTPTransfer] = [:]
    private var idleHandles: [CurlHandle] = []

    init(_ settings: HTTPSettings) {
        self.settings = settings
        precondition(HTTPEngine.isLibraryReady, "libcurl does not start")
        guard let multi = unsafe curl_multi_init() else { preconditionFailure("libcurl is out of memory") }
        unsafe self.multi = unsafe multi
        _ = unsafe connlog_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    func submit(_ transfer: HTTPTransfer) {
        let isRefused = inbox.withLock { inbox in
            if inbox.isClosed || inbox.cancelledEarly.contains(transfer.number) { return true }
            inbox.started.append(transfer)
            inbox.live.insert(transfer.number)
            wake()
            return false
        }
        if isRefused { transfer.finish(.cancelled) }
    }

    func cancel(_ number: UInt64) {
        inbox.withLock { inbox in
            guard inbox.live.contains(number) else {
                inbox.cancelledEarly.insert(number)
                return
            }
            inbox.cancelled.append(number)
            if !inbox.isClosed { wake() }
        }
    }

    func forget(_ number: UInt64) {
        inbox.withLock { _ = $0.cancelledEarly.remove(number) }
    }

    func close() {
        inbox.withLock { inbox in
            inbox.isClosed = true
            wake()
        }
    }

    private func wake() { _ = unsafe curl_multi_wakeup(multi) }

    // MARK: the thread

    func run() {
        blockBrokenPipeSignal()
        while takeInbox() {
            var active: Int32 = 0
            unsafe curl_multi_perform(multi, &active)
            finishDone()
            unsafe curl_multi_poll(multi, nil, 0, HTTPEngine.pollMilliseconds, nil)
        }
        for transfer in running.values { finish(transfer, .cancelled) }
        idleHandles.removeAll()
        unsafe curl_multi_cleanup(multi)
    }

    /// libcurl's own protection against SIGPIPE is off together with its other uses of signals (CURLOPT_NOSIGNAL).
    private func blockBrokenPipeSignal() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Starts and cancels what was asked for; says whether to go on.
    private func takeInbox() -> Bool {
        let (started, cancelled, isClosed) = inbox.withLock { inbox in
            let taken = (inbox.started, inbox.cancelled, inbox.isClosed)
            inbox.started = []
            inbox.cancelled = []
            return taken
        }
        for transfer in started { start(transfer) }
        for number in cancelled {
            if let transfer = running[number] { finish(transfer, .cancelled) }
        }
        return !isClosed
    }

    private func start(_ transfer: HTTPTransfer) {
        let handle = idleHandles.popLast() ?? CurlHandle()
        transfer.begin(on: handle, settings)
        running[transfer.number] = transfer
        let code = unsafe curl_multi_add_handle(multi, handle.pointer)
        precondition(code == CURLM_OK, "libcurl refuses a request: \(code)")
    }

    private func finishDone() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE,
                let easy = unsafe message.pointee.easy_handle,
                let context = unsafe connlog_curl_get_private(easy)
            else { continue }
            let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            finish(transfer, unsafe .done(connlog_curl_message_result(message)))
        }
    }

    private func finish(_ transfer: HTTPTransfer, _ end: HTTPTransfer.End) {
        running[transfer.number] = nil
        inbox.withLock { _ = $0.live.remove(transfer.number) }
        if let handle = transfer.handle {
            unsafe curl_multi_remove_handle(multi, handle.pointer)
        }
        if let handle = transfer.finish(end) { idleHandles.append(handle) }
    }
}
