# merge.awk learnt declared: the declared sentinel.conf, with what a Sentinel has learnt in an earlier life.
# Addresses that are no longer in NODES or SENTINELS are forgotten (their Services were made anew).
BEGIN {
    split(ENVIRON["NODES"], nodes, " ")
    for (i in nodes) is_node[nodes[i]] = 1
    split(ENVIRON["SENTINELS"], sentinels, " ")
    for (i in sentinels) is_sentinel[sentinels[i]] = 1
}
FILENAME == ARGV[1] {
    if ($1 != "sentinel") next
    if ($2 == "monitor") { if ($4 in is_node) master[$3] = $4 }
    else if ($2 == "myid" || $2 == "current-epoch") own[++owns] = $0
    else if ($2 == "config-epoch" || $2 == "leader-epoch") about[$3] = about[$3] $0 "\n"
    else if ($2 == "known-replica") { if ($4 in is_node) about[$3] = about[$3] $0 "\n" }
    else if ($2 == "known-sentinel") { if ($4 in is_sentinel) about[$3] = about[$3] $0 "\n" }
    next
}
$1 == "sentinel" && $2 == "monitor" {
    name = $3
    if (name in master) $4 = master[name]
    names[++count] = name
}
{ print }
END {
    for (i = 1; i <= owns; i++) print own[i]
    for (i = 1; i <= count; i++) printf "%s", about[names[i]]
}
