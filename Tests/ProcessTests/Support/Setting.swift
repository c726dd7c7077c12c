import Foundation

/// Numbers that a run of the tests may be given.
enum Setting {
    static func number(_ name: String, default value: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
    }
}
