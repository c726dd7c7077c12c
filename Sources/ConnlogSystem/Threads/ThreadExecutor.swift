private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// A thread of its own for one source, one delivery, or the queue's writer: what runs there may block in system calls.
///
/// Swift's pool has one thread per core, so a blocked `fdatasync` there would stop half the daemon. A task that is
/// started with this executor as its preference stays on this thread through all its nonisolated and default-actor
/// calls: `Task(executorPreference: ThreadExecutor("sink siem")) { await delivery.run() }`.
package final class ThreadExecutor: TaskExecutor, SerialExecutor {
    private let queue: JobQueue

    /// Starts the thread.
    /// - Parameter name: shown by `top -H`; the first 15 bytes are kept.
    package init(_ name: String) {
        let queue = JobQueue()
        self.queue = queue
        Thread.start(name) { queue.run() }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        queue.add(UnownedJob(job), self)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    deinit { queue.stop() }
}

/// The jobs waiting for one thread.
///
/// `@unchecked Sendable`: `jobs` and `stopped` are touched only while `lock` is held.
private final class JobQueue: @unchecked Sendable {
    // The executor stays alive as long as it has a job to do.
    private var jobs: [(job: UnownedJob, executor: ThreadExecutor)] = []
    private var stopped = false
    private let lock = ConditionLock()

    func add(_ job: UnownedJob, _ executor: ThreadExecutor) {
        lock.lock()
        jobs.append((job, executor))
        lock.unlock(waking: true)
    }

    func stop() {
        lock.lock()
        stopped = true
        lock.unlock(waking: true)
    }

    func run() {
        var batch: [(job: UnownedJob, executor: ThreadExecutor)] = []
        while true {
            lock.lock()
            while jobs.isEmpty && !stopped { lock.wait() }
            if jobs.isEmpty { return lock.unlock(waking: false) }
            swap(&batch, &jobs)
            lock.unlock(waking: false)
            for entry in batch { unsafe entry.job.runSynchronously(on: entry.executor.asUnownedTaskExecutor()) }
            batch.removeAll(keepingCapacity: true)
        }
    }
}
