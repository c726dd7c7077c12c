import Connlog
import PrintSink

// Reads coderd's log and prints who connected:
//
//     custom-sink DIRECTORY FILE...
//
// Killed at any moment and started again, it goes on where it was: what it had read and not printed lies in DIRECTORY.
let arguments = CommandLine.arguments.dropFirst()
guard let directory = arguments.first, arguments.count > 1 else { fatalError("usage: custom-sink DIRECTORY FILE...") }

let pipeline = try Pipeline(in: directory)
pipeline.add(FileSource(paths: Array(arguments.dropFirst()), once: true), named: "coderd")
pipeline.add(PrintSink(), named: "print")
try await pipeline.run()
