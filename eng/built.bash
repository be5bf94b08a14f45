# What the last build left, for ./millrace, ./test and eng/build; expects $root.
# artifacts/built is both the stamp (its time is the moment that the build began) and the pointer to what was built. Its lines:
# the program's folder below artifacts/, the folder of .NET, and libduckdb's place below the cache.

read_built() {
    local folder
    { IFS= read -r folder && IFS= read -r built_dotnet && IFS= read -r built_library; } < "$root/artifacts/built" || return 1
    built_program=$root/artifacts/$folder/Millrace.Cli
    [ -x "$built_program" ]
}

# True when there is a build and no source is newer; reads it too. Folders count: their time tells of files added, removed or renamed.
is_current() {
    [ -e "$root/artifacts/built" ] || return 1
    [ -z "$(find "$root/src" "$root/Directory.Build.props" "$root/Directory.Build.targets" "$root/Directory.Packages.props" "$root/global.json" \
        \( -name obj -o -name bin \) -prune -o -newer "$root/artifacts/built" -print -quit)" ] && read_built
}
