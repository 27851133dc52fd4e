-- zlib from a script: a file is compressed, comes back as it was, and its checksum is the one that gzip writes; then a
-- stream that nobody ends.
--
--   ffi_zlib.lua [FILE]     FILE is this script by default
--
-- Prints sizes and checksums, and what husk.expect says of the stream that is forgotten.

local there, ffi, z = pcall(function()
  local ffi = require "husk.ffi"
  return ffi, ffi.load "z"
end)
if not there then
  print("skipped: " .. tostring(ffi))
  os.exit(77, true)
end
local expect = require "husk.expect"

ffi.cdef [[
  unsigned long crc32(unsigned long crc, const unsigned char *bytes, unsigned int length);
  unsigned long compressBound(unsigned long length);
  int compress2(unsigned char *to, unsigned long *to_length, const unsigned char *from, unsigned long length, int level);
  int uncompress(unsigned char *to, unsigned long *to_length, const unsigned char *from, unsigned long length);
  typedef struct gzFile_s *gzFile;
  gzFile gzopen(const char *path, const char *mode);
  int gzclose(gzFile file);
]]

local path = arg[1] or arg[0]
local file = assert(io.open(path, "rb"))
local text = file:read "a"
file:close()

local function compressed(bytes)
  local room = z.compressBound(#bytes)
  local to, length = ffi.new("unsigned char[?]", room), ffi.new("unsigned long[1]", room)
  assert(z.compress2(to, length, bytes, #bytes, 9) == 0)
  return ffi.string(to, length[0])
end

local function restored(bytes, length)
  local to, got = ffi.new("unsigned char[?]", length), ffi.new("unsigned long[1]", length)
  assert(z.uncompress(to, got, bytes, #bytes) == 0)
  return ffi.string(to, got[0])
end

local small = compressed(text)
print(("%d bytes, compressed %d"):format(#text, #small))
print("come back as they were: " .. tostring(restored(small, #text) == text))

-- The checksum, and what the program gzip says of the same file.
local mine = ("%08x"):format(z.crc32(0, text, #text))
local gzip = io.popen(("gzip -c '%s' 2>/dev/null | gzip -lv 2>/dev/null"):format(path:gsub("'", "'\\''")))
local theirs = gzip:read "a":match "\ndefla%w* +(%x+) "
gzip:close()
print("checksum as gzip's: " .. (theirs and tostring(mine == theirs) or "gzip is not here"))

-- Memory of Lua's goes with its objects, here 1,000 times; a stream of C's that is not closed stays.
expect.no_growth(function() restored(compressed "to be or not to be", 18) end, {rounds = 250})
local forgotten = {}
local function forget() forgotten[#forgotten + 1] = z.gzopen("/dev/null", "wb") end
local _, failure = pcall(expect.no_growth, forget, {rounds = 5})
print(failure.message)
for _, stream in ipairs(forgotten) do z.gzclose(stream) end
