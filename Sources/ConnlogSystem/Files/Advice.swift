/// What to do about an error of the system, in words that go after it.
package enum Advice {
    /// About a file or directory that should be read.
    package static func reading(_ error: SystemError) -> String {
        switch error.code {
        case Errno.notFound: "make it, or correct the path"
        case Errno.notDirectory: "something on the way to it is a file; correct the path"
        case Errno.isDirectory: "name the files in it, such as \(error.subject)/*.log"
        default: other(error) ?? "let connlog's user read it"
        }
    }

    /// About one that should be written.
    package static func writing(_ error: SystemError) -> String {
        switch error.code {
        case Errno.noSpace, Errno.quotaExceeded: "make room on that disk"
        case Errno.readOnly: "mount that disk for writing"
        case Errno.notFound, Errno.notDirectory: "correct the path"
        default: other(error) ?? "let connlog's user write there"
        }
    }

    private static func other(_ error: SystemError) -> String? {
        switch error.code {
        case Errno.noDescriptor: "raise the limit of open files (LimitNOFILE, ulimit -n)"
        case Errno.noDescriptorAnywhere: "the machine has no more files to open (fs.file-max)"
        case Errno.symbolicLink: "links on the way to it lead in a circle, or it is one; name the file itself"
        case Errno.inputOutput, Errno.corrupted: "look at the disk, and at the kernel's log"
        default: nil
        }
    }
}
