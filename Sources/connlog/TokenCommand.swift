#if Server
import ArgumentParser
import ConnlogDaemon

/// `connlog token`
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens for [access].", subcommands: [TokenCreateCommand.self])
}

/// `connlog token create`
struct TokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Print a new token once, and the section that lets its holder in.",
        discussion: "connlog keeps only the token's SHA-256; what is lost cannot be shown again.")

    @Option(help: "auditor (read), ingest (write), metrics (figures alone) or admin (all).") var role = "auditor"
    @Option(help: "Whose token it is.") var name = "somebody"

    func validate() throws {
        guard AccessToken.roles.contains(role) else {
            throw ValidationError("--role must be one of \(AccessToken.roles.joined(separator: ", "))")
        }
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }) else {
            throw ValidationError("--name may hold letters, digits, '-', '_' and '.'")
        }
    }

    func run() {
        let token = AccessToken.make()
        Terminal.writeError("The token, shown this once:\n")
        Terminal.write(token.token + "\n")
        Terminal.writeError(
            "\nThe section for the configuration, in force after SIGHUP:\n\n[access \"\(name)\"]\nrole         = \(role)\n"
                + "token_sha256 = \(token.hash)\n")
    }
}
#endif
