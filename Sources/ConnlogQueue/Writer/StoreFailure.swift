internal import ConnlogSystem

/// Why a group could not be stored now.
enum StoreFailure: Error {
    /// The queue's bound, or the quota of the sink named, is reached.
    case full(sink: String?)
    case system(SystemError)
}
