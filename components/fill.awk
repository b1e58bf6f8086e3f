# Copies a configuration text, with ${NAME} replaced by the environment variable NAME.
# A variable that is not set ends it with an error: a server must not start with half an address.
{
    line = $0
    filled = ""
    while (match(line, /\$\{[A-Z0-9_]+\}/)) {
        name = substr(line, RSTART + 2, RLENGTH - 3)
        if (ENVIRON[name] == "") {
            print FILENAME ": line " FNR " needs " name ", which is not set: " $0 > "/dev/stderr"
            exit 1
        }
        filled = filled substr(line, 1, RSTART - 1) ENVIRON[name]
        line = substr(line, RSTART + RLENGTH)
    }
    print filled line
}
