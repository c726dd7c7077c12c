#if canImport(Glibc)
import Glibc
#endif

/// The variables that this process was started with.
package enum ProcessEnvironment {
    /// The variable's value; `nil` when it is not set. What is not UTF-8 becomes U+FFFD.
    package static func value(_ name: String) -> String? {
        guard let text = unsafe getenv(name) else { return nil }
        return unsafe String(cString: text)
    }
}
