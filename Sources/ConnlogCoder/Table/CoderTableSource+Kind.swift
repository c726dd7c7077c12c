package import ConnlogConfig
package import ConnlogCore
package import ConnlogPipeline

/// `type = coder_api`, as the registry sees it.
extension CoderTableSource: SourceKind, AsksCoder {
    package static let schema = SectionSchema(
        kind: "source", type: "coder_api", isNamed: true, example: "table",
        summary: "Reads Coder's own table of connections over its API, where coderd's log cannot be read.",
        keys: [
            CoderKeys.url, CoderKeys.token,
            Key(
                "interval", .duration(.seconds(1) ... .seconds(3600)), default: "30s",
                help: "How often new rows are looked for; ends of connections are within twice that."),
            Key(
                "start_at", .choice(["beginning", "end"]), default: "beginning",
                help: "At the very first start: all that the table still has, or what begins from then on."),
            Key(
                "look_back", .duration(.seconds(3600) ... .seconds(90 * 86_400)), default: "7d",
                help: "How late a row may come, as of an agent that was cut off, and still be found."),
        ] + CoderKeys.rest)

    package static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source {
        var settings = TableReader.Settings(name: context.name)
        settings.interval = section.duration("interval")
        settings.lookBack = section.duration("look_back")
        settings.startsAtEnd = section.string("start_at") == "end"
        return CoderTableSource(settings, try CoderKeys.api(section, version: context.version), context)
    }

    /// Asked elsewhere (`CoderTrial`), with the directories.
    package static func trial(_ section: Section) -> [TrialFinding] { [] }
}
