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

    /// The zone's name in the IANA database, such as `Europe/Berlin`; `nil` where the machine does not say it.
    package static var zoneName: String? {
        if let name = ProcessEnvironment.value("TZ"), !name.isEmpty {
            return name.hasPrefix(":") ? String(name.dropFirst()) : name
        }
        var target = [UInt8](repeating: 0, count: 4096)
        let count = unsafe target.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe readlink("/etc/localtime", start, bytes.count)
        }
        guard count > 0 else { return nil }
        let path = String(decoding: target.prefix(count), as: UTF8.self)
        return path.firstRange(of: "zoneinfo/").map { String(path[$0.upperBound...]) }
    }
}
