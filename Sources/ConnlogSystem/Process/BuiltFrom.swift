private import CConnlog

/// What this program was built from.
package enum BuiltFrom {
    /// The commit, with a word when files had been changed since; `nil` when whoever built it did not say.
    package static var commit: String? {
        let text = unsafe String(cString: connlog_built_from())
        return text.isEmpty ? nil : text
    }
}
