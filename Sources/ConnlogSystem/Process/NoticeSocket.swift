private import CConnlog

/// Where a service manager listens to what its services say of themselves, as `sd_notify(3)` describes it.
package struct NoticeSocket: Sendable {
    private let address: String

    /// - Parameter address: as `NOTIFY_SOCKET` has it: an absolute path, or `@` and a name in Linux's abstract space.
    /// - Returns: `nil` for anything else, such as `vsock:`.
    package init?(_ address: String) {
        guard address.utf8.count > 1, address.hasPrefix("/") || address.hasPrefix("@") else { return nil }
        self.address = address
    }

    /// Sends one message, `KEY=VALUE` lines without an end mark. Never waits.
    package func send(_ text: String) throws(SystemError) {
        let length = text.utf8.count
        if unsafe connlog_notify(address, text, length) != 0 { throw .last("sendto", address) }
    }
}
