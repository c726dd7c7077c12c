import Connlog

// Forwards what is in coderd's log to Splunk and to a syslog receiver, and ends:
//
//     embedded-forwarder DIRECTORY LOG SPLUNK-URL TOKEN-FILE SYSLOG-HOST SYSLOG-PORT
let arguments = CommandLine.arguments
guard arguments.count == 7, let port = Int(arguments[6]) else {
    fatalError("usage: embedded-forwarder DIRECTORY LOG SPLUNK-URL TOKEN-FILE SYSLOG-HOST SYSLOG-PORT")
}

let pipeline = try Pipeline(in: arguments[1])
pipeline.add(FileSource(paths: [arguments[2]], once: true), named: "coderd")
let splunk = try SplunkHECSink.Settings(urls: [arguments[3]], token: SecretReference(file: arguments[4]))
pipeline.add(SplunkHECSink(splunk), named: "splunk")
pipeline.add(SyslogTCPSink(SyslogOptions([.init(host: arguments[5], port: port)])), named: "siem")
try await pipeline.run()
