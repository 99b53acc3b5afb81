# See includes_go_one_way.sh.
function allowed_for(file,    part) {
    split(file, part, "/")
    if (part[1] == "include") return "pagelab"
    if (part[1] == "allocators") return "pagelab allocators/" part[2]
    if (file ~ /^fuzz\/canary\//) return "pagelab fuzz/canary"
    if (part[1] == "platform") return "pagelab platform"
    if (part[1] == "systems") return "pagelab systems"
    if (part[1] == "engine") return "pagelab systems platform engine"
    if (part[1] == "fuzz") return "pagelab systems platform engine fuzz"
    if (file ~ /^bench\/libbench\//) return "libbench bench/libbench"
    if (part[1] == "bench") return "pagelab systems platform engine bench libbench"
    if (part[1] == "report") return "pagelab systems platform engine report"
    return "pagelab systems platform engine fuzz bench libbench report cli"
}

# The simulated platform is of no use but in programs that are compiled for it.
function is_simulated(file) {
    return file ~ /^((platform|bench)\/sim|engine\/schedule)\// || file ~ /^fuzz\/schedule/
}

# Folders of ours that an include can name; whatever else is the file's own folder, or the system.
function is_room(name) {
    return name ~ /^(pagelab|allocators|platform|systems|engine|fuzz|bench|libbench|report|cli|tests)$/
}

function complain(name, why) {
    printf "%s:%d: include of \"%s\": %s\n", FILENAME, FNR, name, why
    bad = 1
}

FNR == 1 { count = split(allowed_for(FILENAME), allowed, " ") }

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    name = $0
    sub(/^[^"<]*["<]/, "", name)
    sub(/[">].*/, "", name)
    if (name ~ /(^|\/)\.\.\//)
        complain(name, "a folder outside its own")
    else if (split(name, part, "/") > 1 && is_room(part[1])) {
        for (i = 1; i <= count && index(name, allowed[i] "/") != 1; i++)
            ;
        if (i > count)
            complain(name, "this room may not know that one")
        else if (name ~ /^platform\/sim\// && !is_simulated(FILENAME))
            complain(name, "only what is linked with the simulated platform may know it")
    }
}

END { exit bad }
