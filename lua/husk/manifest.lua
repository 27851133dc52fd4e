-- The commands of husk, in the order in which help shows them. Each is the module husk.cmd.<name>:
--   usage    the line of the synopsis
--   summary  half a line for the list
--   help     what `husk help <name>` shows below the synopsis
--   run      function(args, cli): the exit code; nil is 0
return {"run", "eval", "repl", "test", "trace", "stats", "diff", "export", "report", "mem", "gcstat", "bench", "version", "help"}
