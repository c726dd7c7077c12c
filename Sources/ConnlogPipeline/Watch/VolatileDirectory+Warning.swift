package import ConnlogSystem

extension VolatileDirectory {
    /// What to say of a data directory that lies in memory; `nil` for one that does not.
    /// - Parameter existing: it, or the directory it will be made in.
    package static func warning(of existing: String, _ directory: String) -> String? {
        kind(of: existing).map { kind in
            "\(directory) lies in memory (\(kind)): what is queued is lost when the machine, or the container, starts again; "
                + "give it a data_dir on a disk"
        }
    }
}
