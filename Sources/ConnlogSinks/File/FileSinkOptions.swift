public import ConnlogSystem

/// How a file sink writes and keeps its files.
public struct FileSinkOptions: Sendable {
    /// The file; rotated ones get the time after its name.
    public var path: String
    /// What is written of an event.
    public var format: LineFormat
    /// The most bytes a file may have; a record that is larger alone gets a file of its own.
    public var rotateBytes: Int
    /// Files change at multiples of this since 1970-01-01T00:00:00Z, so `1d` means midnight UTC; 0 means never.
    public var rotateEvery: Nanoseconds
    /// How many rotated files stay; 0 keeps all.
    public var keep: Int
    /// Whether rotated files become `.gz`.
    public var compresses: Bool
    /// Of new files, whatever the umask says.
    public var permissions: UInt32

    /// The defaults are those of connlog's configuration.
    public init(
        path: String, format: LineFormat = .json, rotateBytes: Int = 100 << 20,
        rotateEvery: Nanoseconds = 86_400_000_000_000, keep: Int = 14, compresses: Bool = true,
        permissions: UInt32 = 0o640
    ) {
        self.path = path
        self.format = format
        self.rotateBytes = rotateBytes
        self.rotateEvery = rotateEvery
        self.keep = keep
        self.compresses = compresses
        self.permissions = permissions
    }
}
