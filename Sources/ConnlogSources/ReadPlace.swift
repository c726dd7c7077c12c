package import ConnlogCore
package import ConnlogSystem

/// How far a source says that it has read one of its files.
package struct ReadPlace: Sendable {
    package let path: String
    package let identity: FileIdentity
    /// Bytes read, those included that make no whole entry yet.
    package let offset: Int
    /// Another number whenever the source has got on with it: where it waits, whenever any file was read.
    package let progress: UInt64
}

extension ReadPlace {
    /// What its file has beyond it. Asks the file system, which may not answer for long.
    package var unread: Unread? {
        guard let status = try? FileStatus(of: path), status.identity == identity, status.size > offset else {
            return nil
        }
        return Unread(subject: path, bytes: status.size - offset, place: progress)
    }
}

extension StreamInput {
    /// What could be read from it now.
    package func unread(place: UInt64) -> Unread? {
        isReadable ? Unread(subject: "standard input", bytes: nil, place: place) : nil
    }
}
