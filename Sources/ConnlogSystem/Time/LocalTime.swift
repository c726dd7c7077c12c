#if canImport(Glibc)
import Glibc
#endif

/// The machine's time zone.
package enum LocalTime {
    /// Seconds that the local time of day is ahead of UTC at a point in time, given in seconds since 1970.
    package static func offset(at seconds: Int64) -> Int64 {
        var time = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe localtime_r(&time, &parts) != nil else { return 0 }
        return unsafe Int64(parts.tm_gmtoff)
    }

    /// Whether a name such as `Europe/Berlin` may be one of a time zone, and no path to some other file.
    package static func isName(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            default: "+-_/".utf8.contains(byte)
            }
        }
        return isPlain && (1...64).contains(name.utf8.count) && !name.hasPrefix("/") && !name.hasPrefix("-")
            && !name.hasSuffix("/") && !name.contains("//")
    }

    /// Makes another time zone the one of this process. For a command, before it starts threads.
    /// - Returns: whether the machine knows it; if not, nothing has changed.
    package static func use(_ name: String) -> Bool {
        guard isName(name) else { return false }
        let folder = ProcessEnvironment.value("TZDIR") ?? "/usr/share/zoneinfo"
        // A name that the C library does not know would be UTC without a word.
        guard let file = try? LocalFile.openRegular("\(folder)/\(name)"), let head = try? file.bytes(limit: 4 << 20),
            head.array.starts(with: "TZif".utf8)
        else { return false }
        unsafe setenv("TZ", ":\(name)", 1)
        tzset()
        return true
    }
}
