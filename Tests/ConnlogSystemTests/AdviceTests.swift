import ConnlogSystem
import Testing

/// What to do about an error fits the error.
@Suite struct AdviceTests {
    private func error(_ code: Int32) -> SystemError {
        SystemError(code: code, call: "open", subject: "/var/log/coder")
    }

    @Test(arguments: [
        (Errno.notFound, "make it, or correct the path"),
        (Errno.notDirectory, "something on the way to it is a file; correct the path"),
        (Errno.isDirectory, "name the files in it, such as /var/log/coder/*.log"),
        (Errno.accessDenied, "let connlog's user read it"),
        (Errno.noDescriptor, "raise the limit of open files (LimitNOFILE, ulimit -n)"),
        (Errno.noDescriptorAnywhere, "the machine has no more files to open (fs.file-max)"),
        (Errno.symbolicLink, "links on the way to it lead in a circle, or it is one; name the file itself"),
        (Errno.inputOutput, "look at the disk, and at the kernel's log"),
    ])
    func `about a file to be read`(code: Int32, advice: String) {
        #expect(Advice.reading(error(code)) == advice)
    }

    @Test(arguments: [
        (Errno.notFound, "correct the path"), (Errno.notDirectory, "correct the path"),
        (Errno.accessDenied, "let connlog's user write there"), (Errno.noSpace, "make room on that disk"),
        (Errno.quotaExceeded, "make room on that disk"), (Errno.readOnly, "mount that disk for writing"),
        (Errno.noDescriptor, "raise the limit of open files (LimitNOFILE, ulimit -n)"),
    ])
    func `about a file to be written`(code: Int32, advice: String) {
        #expect(Advice.writing(error(code)) == advice)
    }
}
