/// The version that `--version`, the User-Agent and the log tell.
enum Version {
    static let text = "0.1.0"
}
