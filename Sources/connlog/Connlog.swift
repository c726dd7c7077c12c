@main struct Connlog { static func main() {} }
