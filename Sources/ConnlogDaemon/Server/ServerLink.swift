#if Server
import ConnlogSystem
import Synchronization

/// A channel between the forwarder and its server process, with a thread that reads and one that writes.
///
/// Sending never waits. What has not been sent yet is bounded: while it is more than `unsentMax`, nothing is read, and
/// every message of size answers one that was read, or is only offered.
final class ServerLink: Sendable {
    static let unsentMax = 8 << 20

    private let channel: FrameChannel
    private let outbox = Outbox()

    init(_ channel: FrameChannel) { self.channel = channel }

    /// Starts both threads.
    /// - Parameters:
    ///   - receive: called by the reading thread for each frame; must not wait for long.
    ///   - ended: called once by the reading thread, when no more will come.
    func start(
        _ name: String, receive: @escaping @Sendable (Frame) -> Void, ended: @escaping @Sendable () -> Void
    ) {
        let (channel, outbox) = (channel, outbox)
        Thread.start("\(name) out") {
            while let frame = outbox.next() {
                do throws(SystemError) { try channel.write(frame) } catch { break }
            }
            channel.shutDown()
        }
        Thread.start("\(name) in") {
            while outbox.waitForRoom(ServerLink.unsentMax), let frame = try? channel.read() { receive(frame) }
            outbox.close()
            channel.shutDown()
            ended()
        }
    }

    func send(_ frame: Frame) { outbox.add(frame) }

    /// Sends what answers nothing.
    /// - Returns: `false` when too much waits for the other end already, and it is not sent.
    func offer(_ frame: Frame) -> Bool { outbox.add(frame, upTo: ServerLink.unsentMax) }

    /// What is waiting is still sent; then both ends come back.
    func finish() { outbox.finish() }

    /// Both ends come back at once.
    func close() {
        outbox.close()
        channel.shutDown()
    }
}

/// Frames that wait to be sent.
///
/// `@unchecked Sendable`: everything is touched only while `lock` is held.
private final class Outbox: @unchecked Sendable {
    private let lock = ConditionLock()
    private var frames: [Frame] = []
    private var bytes = 0
    private var isFinished = false
    private var isClosed = false

    /// - Returns: `false` when more than `most` bytes wait already, and it is left out.
    @discardableResult
    func add(_ frame: Frame, upTo most: Int = .max) -> Bool {
        lock.lock()
        guard bytes <= most else {
            lock.unlock(waking: false)
            return false
        }
        // One call is as good as several.
        let isCall = frame.message == .changed || frame.message == .ping
        let isKnown = isCall && frames.contains { $0.kind == frame.kind }
        if !isClosed, !isFinished, !isKnown {
            frames.append(frame)
            bytes += frame.payload.count
        }
        lock.unlock(waking: true)
        return true
    }

    /// Waits for one; `nil` when there will be none.
    func next() -> Frame? {
        lock.lock()
        while frames.isEmpty && !isFinished && !isClosed { lock.wait() }
        let frame = isClosed || frames.isEmpty ? nil : frames.removeFirst()
        bytes -= frame?.payload.count ?? 0
        lock.unlock(waking: true)
        return frame
    }

    /// - Returns: `false` when it is closed.
    func waitForRoom(_ most: Int) -> Bool {
        lock.lock()
        while bytes > most && !isClosed { lock.wait() }
        let isOpen = !isClosed
        lock.unlock(waking: false)
        return isOpen
    }

    func finish() {
        lock.lock()
        isFinished = true
        lock.unlock(waking: true)
    }

    func close() {
        lock.lock()
        isClosed = true
        frames = []
        bytes = 0
        lock.unlock(waking: true)
    }
}
#endif
