# Sourced by the house rules: our files, one a line, from the current folder. Built trees and results are not ours.
list_files() {
    find . \( -path ./build -o -path ./results -o -path ./.git -o -name '.*' ! -name . \) -prune -o -type f \
        "$@" -print | sort
}

list_sources() {
    list_files \( -name '*.c' -o -name '*.h' -o -name '*.cc' \)
}

list_scripts() {
    list_files \( -name '*.cmake' -o -name CMakeLists.txt -o -name '*.json' -o -name '*.sh' -o -name '*.py' \
        -o -name '*.js' -o -name pagelab \)
}
