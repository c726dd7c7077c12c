import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

/// A UDP port, and what came to it.
final class DatagramServer: Sendable {
    let port: Int
    private let state: Mutex<(receiver: UDPReceiver, messages: [String])>

    init() throws {
        let receiver = try UDPReceiver()
        port = receiver.port
        state = Mutex((receiver, []))
    }

    /// The messages, as soon as there are `count`.
    func messages(_ count: Int) async -> [String] {
        await eventually { all.count >= count ? all : nil } ?? all
    }

    private var all: [String] {
        state.withLock { state in
            state.messages += state.receiver.datagrams().map { String(decoding: $0, as: UTF8.self) }
            return state.messages
        }
    }
}

/// A log daemon's socket, read by a thread, that can go away and come back.
final class LocalServer: Sendable {
    let path: String
    private let isStream: Bool
    private let received = Received()
    private let receiver = Mutex<LocalReceiver?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(isStream: Bool) throws {
        self.isStream = isStream
        path = try LocalReceiver.folder() + "/log"
        try start()
    }

    deinit {
        receiver.withLock { $0?.stop() }
        try? FileManager.default.removeItem(atPath: String(path.dropLast("/log".count)))
    }

    func start() throws {
        let new = try LocalReceiver(path, isStream: isStream)
        receiver.withLock { $0 = new }
        ConnlogSystem.Thread.start("log daemon") { [received, isStream, ended] in
            var connection = new.accept()
            while connection >= 0 {
                let bytes = new.read(connection)
                if bytes.isEmpty {
                    new.end(connection)
                    connection = new.accept()
                } else {
                    received.add(bytes + (isStream ? [] : [0x0a]))
                }
            }
            ended.signal()
        }
    }

    /// Goes away with everything read that has come.
    func stop() {
        receiver.withLock { $0?.stop() }
        ended.wait()
    }

    /// The messages, as soon as there are `count`.
    func messages(_ count: Int) async -> [String] {
        await eventually { all.count >= count ? all : nil } ?? all
    }

    private var all: [String] {
        String(decoding: received.all, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
