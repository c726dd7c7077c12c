internal import ConnlogSystem

/// What the threads share: the group that is being filled, what is durable, who waits.
///
/// No call to the disk is made while its lock is held.
///
/// `@unchecked Sendable`: `state` is touched only while `lock` is held.
final class SharedState: @unchecked Sendable {
    struct State {
        var filling: Group
        /// Memory of groups that were written.
        var freeBuffers: [ByteBuffer] = []
        var freeBatches: [RecordBatch] = []
        /// Bytes of the group that the writer has in hand.
        var writingBytes = 0
        var enqueued: UInt64 = 0
        var durable: UInt64 = 0

        var end: UInt64
        var segments = SegmentList()
        /// Bytes of the last segment that are durable.
        var readableBytes = 0
        var checkpoints = Checkpoints()

        var status = QueueStatus()
        var report = QueueReport()
        /// File and position of every damage met.
        var knownDamage: Set<String> = []
        var spareBytes = 0
        var quarantineBytes = 0

        var roomWaiters = Waiters()
        var flushWaiters: [UInt64: (ticket: UInt64, waiter: CheckedContinuation<Void, Never>)] = [:]
        var eventWaiters: [UInt64: (offset: UInt64, waiter: CheckedContinuation<Void, Never>)] = [:]
        var closeWaiters = Waiters()
        var lastWaiter: UInt64 = 0

        /// When commits are to be synced; `nil`: there are none.
        var commitDue: Duration?
        /// Goes up whenever a sink commits or is forgotten: a full queue looks again.
        var commits: UInt64 = 0
        var isClosing = false
        /// Nothing more is to be written: a test's crash.
        var isAbandoned = false
        var isClosed = false
        /// What is wrong with the queue's directory.
        var trouble: String?
        var isLockGone = false

        var pendingBytes: Int { writingBytes + filling.recordBytes }
        /// Without the file of the offsets.
        var bytesOnDisk: Int { segments.bytes + spareBytes + quarantineBytes }

        var notices: [QueueNotice] = []
        var missedNotices = 0

        /// Keeps a notice until it is taken; the newest of too many are only counted.
        mutating func note(_ notice: QueueNotice) {
            if notices.count < 100 { notices.append(notice) } else { missedNotices += 1 }
        }

        mutating func takeNotices() -> [QueueNotice] {
            defer { (notices, missedNotices) = ([], 0) }
            return missedNotices > 0 ? notices + [.missed(missedNotices)] : notices
        }

        /// The group that was being filled; the next one begins after it.
        mutating func takeFilling() -> Group {
            var group = Group(first: filling.end, memory: freeBuffers.popLast() ?? ByteBuffer())
            swap(&group, &filling)
            group.ticket = enqueued
            writingBytes = group.recordBytes
            return group
        }
    }

    typealias Waiters = [UInt64: CheckedContinuation<Void, Never>]

    let timer: any QueueTimer
    let vitals = QueueVitals()
    private let lock = ConditionLock()
    private var state: State

    init(_ state: State, _ timer: any QueueTimer) {
        self.state = state
        self.timer = timer
        vitals.end(state.end)
    }

    /// - Parameter waking: wakes the writer, if it sleeps.
    func withLock<Value>(waking: Bool = false, _ body: (inout State) -> Value) -> Value {
        lock.lock()
        defer { lock.unlock(waking: waking) }
        return body(&state)
    }

    /// For the writer: returns what `decide` comes to, asked anew each time it wakes up.
    ///
    /// `decide` returns a value, or until when to sleep.
    func wait<Value>(_ decide: (inout State, _ now: Duration) -> Decision<Value>) -> Value {
        lock.lock()
        defer { lock.unlock(waking: false) }
        while true {
            switch decide(&state, timer.now()) {
            case .done(let value): return value
            case .sleep(let deadline): timer.wait(on: lock, until: deadline)
            }
        }
    }

    enum Decision<Value> {
        case done(Value)
        case sleep(until: Duration?)
    }

    /// Suspends the task until `wake` takes its waiter away, or it is cancelled.
    ///
    /// - Parameters:
    ///   - prepare: under the lock; stores the waiter under the number and returns `true`, or `false` to go on at once.
    ///   - forget: under the lock; takes the waiter with the number away again, if it is still there.
    func suspend(
        _ prepare: (inout State, UInt64, CheckedContinuation<Void, Never>) -> Bool,
        forget: @escaping @Sendable (inout State, UInt64) -> CheckedContinuation<Void, Never>?
    ) async {
        let number = withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                // A cancellation from now on finds the waiter; one before is seen here.
                let isStored = withLock { state in !Task.isCancelled && prepare(&state, number, waiter) }
                if !isStored { waiter.resume() }
            }
        } onCancel: {
            withLock { state in forget(&state, number) }?.resume()
        }
    }

    // MARK: - For the writer

    /// Shows readers a new end, together with what `change` does.
    func publish(end: UInt64, readableBytes: Int, _ change: (inout State) -> Void) {
        let waiters = withLock { state in
            change(&state)
            state.end = end
            state.readableBytes = readableBytes
            vitals.end(end)
            vitals.durable(state.durable)
            return state.takeEventWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The group is durable and its memory free.
    func stored(_ group: Group) {
        let waiters = withLock { state in
            if !group.isEmpty {
                state.writingBytes = 0
                if state.freeBuffers.count < 2 { state.freeBuffers.append(group.buffer) }
            }
            if state.trouble == nil { state.status.state = .ok }
            return state.takeFlushWaiters() + state.takeRoomWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Nothing more is written: whoever waits goes on.
    func close() {
        let waiters = withLock { state in
            state.isClosing = true
            state.isClosed = true
            state.status.state = .closed
            let all = state.takeRoomWaiters() + Array(state.closeWaiters.values)
            state.closeWaiters = [:]
            return all + state.takeFlushWaiters() + state.takeEventWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension SharedState.State {
    typealias Waiter = CheckedContinuation<Void, Never>

    mutating func takeRoomWaiters() -> [Waiter] {
        defer { roomWaiters = [:] }
        return roomWaiters.sorted { $0.key < $1.key }.map(\.value)
    }

    mutating func takeFlushWaiters() -> [Waiter] {
        let ready = flushWaiters.filter { isClosed || $0.value.ticket <= durable }
        for number in ready.keys { flushWaiters[number] = nil }
        return ready.map(\.value.waiter)
    }

    mutating func takeEventWaiters() -> [Waiter] {
        let ready = eventWaiters.filter { isClosed || $0.value.offset < end }
        for number in ready.keys { eventWaiters[number] = nil }
        return ready.map(\.value.waiter)
    }
}
