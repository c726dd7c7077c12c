#if Server
import ConnlogSystem
import NIOCore

/// Why the server cannot listen, as a person wants to read it.
package enum ServerTrouble {
    package static func words(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        let reason = SystemError.text(of: error.errnoCode)
        return switch error.errnoCode {
        case Errno.addressInUse: "\(reason): another program listens there"
        case Errno.accessDenied: "\(reason): ports below 1024 are for root; name another one"
        default: reason
        }
    }
}
#endif
