import Foundation
import Synchronization

/// A service manager that only listens: the datagrams that a service sends, in their order.
package final class NoticeReceiver: Sendable {
    /// For `NOTIFY_SOCKET`.
    package let address: String
    private let receiver: LocalReceiver
    private let folder: String?
    private let all = Mutex<[String]>([])

    /// - Parameters:
    ///   - isAbstract: by a name in Linux's abstract space rather than by a path.
    ///   - reads: from the beginning; otherwise once `read` is called.
    package init(isAbstract: Bool = false, reads: Bool = true) throws {
        folder = isAbstract ? nil : try LocalReceiver.folder()
        address = folder.map { $0 + "/notify" } ?? "@connlog-\(UUID().uuidString.prefix(8))"
        receiver = try LocalReceiver(address, isStream: false)
        if reads { read() }
    }

    /// Begins to read.
    package func read() {
        let receiver = receiver
        Thread.detachNewThread { [weak self] in
            let socket = receiver.accept()
            while true {
                let bytes = receiver.read(socket)
                guard !bytes.isEmpty, let self else { return }
                self.all.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
        }
    }

    deinit {
        receiver.stop()
        if let folder { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// Those that have come so far.
    package var messages: [String] { all.withLock { $0 } }
}
