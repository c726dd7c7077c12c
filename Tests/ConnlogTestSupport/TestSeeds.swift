import Foundation

/// More seeds for tests that try chance: `CONNLOG_SEEDS=50 swift test` runs each with 50 more.
package enum TestSeeds {
    package static let more: Range<UInt64> = {
        let count = ProcessInfo.processInfo.environment["CONNLOG_SEEDS"].flatMap { UInt64($0) } ?? 0
        return 1000..<1000 + count
    }()
}
