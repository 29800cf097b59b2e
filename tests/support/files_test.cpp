// SPDX-License-Identifier: Apache-2.0
#include "support/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

namespace tunesmith {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<TemporaryFolder> folder = TemporaryFolder::Make();
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
  }
  fs::path At(const char* name) const { return folder_->path() / name; }
  std::string Text(const fs::path& path) const { return ReadFile(path, 1 << 20).value(); }
  static std::string Message(const Status& status) { return std::string(MessageOf(status)); }
  size_t EntryCount() const {
    return std::distance(fs::directory_iterator(folder_->path()), fs::directory_iterator());
  }

  std::optional<TemporaryFolder> folder_;
};

/// Sets a variable of the environment while it lives; null removes it.
class WithVariable {
 public:
  WithVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    Set(value);
  }
  ~WithVariable() { Set(old_ ? old_->c_str() : nullptr); }

 private:
  void Set(const char* value) { value ? setenv(name_, value, 1) : unsetenv(name_); }

  const char* name_;
  std::optional<std::string> old_;
};

TEST_F(FilesTest, WhatWasWrittenIsRead) {
  std::string contents("a\0b\n", 4);
  ASSERT_TRUE(WriteFile(At("f"), contents).ok());
  EXPECT_EQ(Text(At("f")), contents);
  ASSERT_TRUE(WriteFile(At("f"), "").ok());
  EXPECT_EQ(Text(At("f")), "");
  EXPECT_EQ(EntryCount(), 1u) << "a temporary file was left behind";
}

TEST_F(FilesTest, ReadStopsAtTheLimit) {
  ASSERT_TRUE(WriteFile(At("f"), "12345").ok());
  EXPECT_EQ(ReadFile(At("f"), 5).value(), "12345");
  EXPECT_EQ(Message(ReadFile(At("f"), 4).status()),
            "cannot read " + At("f").string() +
                ": it is longer than the 4 bytes allowed here; split it or check that it is the right file");
  EXPECT_FALSE(ReadFile("/dev/zero", 100).ok());
}

TEST_F(FilesTest, MissingFile) {
  Status status = ReadFile(At("none"), 10).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(status), "cannot read " + At("none").string() +
                                 ": No such file or directory; check the path, and that its folder exists");
}

TEST_F(FilesTest, FolderIsNotAFile) {
  std::string where = folder_->path().string();
  EXPECT_EQ(ReadFile(where, 10).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteFile(where, "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadFile(At(std::string(300, 'x').c_str()), 10).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(ReadFile(where, 10).status()),
            "cannot read " + where + ": Is a directory; name a file, not a folder");
  EXPECT_EQ(Message(WriteFile(where, "x")),
            "cannot write " + where + ": Is a directory; name a file, not a folder");
}

TEST_F(FilesTest, MissingFolder) {
  EXPECT_EQ(Message(WriteFile(At("none/f"), "x")),
            "cannot write " + At("none/f").string() +
                ": No such file or directory; check the path, and that its folder exists");
}

TEST_F(FilesTest, FileInThePlaceOfAFolder) {
  ASSERT_TRUE(WriteFile(At("f"), "x").ok());
  EXPECT_EQ(Message(WriteFile(At("f/g"), "x")),
            "cannot write " + At("f/g").string() +
                ": Not a directory; a part of the path is a file; name a folder there");
  EXPECT_EQ(Message(MakeFolder(At("f/g"))),
            "cannot make the folder " + At("f/g").string() +
                ": Not a directory; a part of the path is a file; name a folder there");
}

TEST_F(FilesTest, FullDisk) {
  EXPECT_EQ(Message(WriteFile("/dev/full", "x")),
            "cannot write /dev/full: No space left on device; free some space or choose another disk");
}

// The superuser may write anywhere, so a folder is used in which even root cannot make a file.
TEST_F(FilesTest, FolderThatTakesNoFiles) {
  Status status = WriteFile("/proc/tunesmith", "x");
  EXPECT_EQ(Message(status).rfind("cannot write /proc/tunesmith: ", 0), 0u) << status;
}

/// Permissions do not bind the superuser, so such a test run acts as another user while this lives.
class AsOrdinaryUser {
 public:
  explicit AsOrdinaryUser(const fs::path& owned) : superuser_(geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (superuser_) effective_ = chown(owned.c_str(), kNobody, -1) == 0 && seteuid(kNobody) == 0;
  }
  ~AsOrdinaryUser() {
    if (superuser_ && seteuid(0) != 0) std::abort();
  }
  bool effective() const { return effective_; }

 private:
  bool superuser_;
  bool effective_ = true;
};

TEST_F(FilesTest, ReadOnlyFolderAndFile) {
  AsOrdinaryUser user(folder_->path());
  ASSERT_TRUE(user.effective());
  ASSERT_TRUE(WriteFile(At("f"), "old").ok());
  ASSERT_EQ(chmod(At("f").c_str(), 0444), 0);
  EXPECT_EQ(Message(WriteFile(At("f"), "new")),
            "cannot write " + At("f").string() +
                ": Permission denied; choose a place that you may use, or change its permissions");
  ASSERT_EQ(chmod(folder_->path().c_str(), 0555), 0);
  EXPECT_EQ(Message(WriteFile(At("g"), "new")),
            "cannot write " + At("g").string() +
                ": Permission denied; choose a place that you may use, or change its permissions");
  ASSERT_EQ(chmod(folder_->path().c_str(), 0755), 0);
  EXPECT_EQ(Text(At("f")), "old");
}

TEST_F(FilesTest, ModeAndLinkSurvive) {
  ASSERT_TRUE(WriteFile(At("f"), "old").ok());
  ASSERT_EQ(chmod(At("f").c_str(), 0640), 0);
  fs::create_symlink("f", At("link"));
  ASSERT_TRUE(WriteFile(At("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(At("link")));
  EXPECT_EQ(Text(At("f")), "new");
  struct stat info;
  ASSERT_EQ(stat(At("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(FilesTest, AReplacementShowsOnlyWhenItIsComplete) {
  ASSERT_TRUE(WriteFile(At("f"), "old").ok());
  const std::string large(100'000, 'x');
  {
    Result<FileReplacement> file = FileReplacement::Begin(At("f"));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->Write(large).ok());
    EXPECT_EQ(Text(At("f")), "old");
  }
  EXPECT_EQ(Text(At("f")), "old");
  EXPECT_EQ(EntryCount(), 1u) << "a temporary file was left behind";
  Result<FileReplacement> file = FileReplacement::Begin(At("f"));
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write(large).ok());
  ASSERT_TRUE(file->Write("end").ok());
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(Text(At("f")), large + "end");
  EXPECT_EQ(EntryCount(), 1u);
}

TEST_F(FilesTest, AFileThatIsOpenHereIsWrittenWhereItStands) {
  FileDescriptor file(open(At("f").c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(write(file.get(), "before ", 7), 7);
  for (const char* folder : {"/dev/fd", "/proc/self/fd"})
    ASSERT_TRUE(WriteFile(fs::path(folder) / std::to_string(file.get()), "x").ok());
  EXPECT_EQ(Text(At("f")), "before xx");
  EXPECT_EQ(Message(WriteFile("/dev/fd/999999", "x")),
            "cannot write /dev/fd/999999: Bad file descriptor; check the path and the disk");
}

TEST_F(FilesTest, NewFileFollowsTheUmask) {
  mode_t old = umask(027);
  Status status = WriteFile(At("f"), "x");
  umask(old);
  ASSERT_TRUE(status.ok());
  struct stat info;
  ASSERT_EQ(stat(At("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(FilesTest, AFileIsMadeOnlyWhereNoneIs) {
  fs::create_symlink("nowhere", At("link"));
  mode_t old = umask(027);
  EXPECT_TRUE(MakeFile(At("f"), "one").value());
  umask(old);
  struct stat info;
  ASSERT_EQ(stat(At("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  EXPECT_FALSE(MakeFile(At("f"), "two").value());
  EXPECT_FALSE(MakeFile(At("link"), "two").value());
  EXPECT_EQ(Text(At("f")), "one");
  EXPECT_EQ(EntryCount(), 2u);
  EXPECT_EQ(Message(MakeFile(At("none/f"), "x").status()),
            "cannot make " + At("none/f").string() +
                ": No such file or directory; check the path, and that its folder exists");
}

TEST_F(FilesTest, AFileIsMadeWhereTheSystemMakesNoneWithoutAName) {
  // openat with O_TMPFILE is not supported, from now on, in a child.
  const uint32_t flag = O_TMPFILE & ~O_DIRECTORY;
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
                        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
                        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {std::size(code), code};
  const pid_t child = fork();
  if (child == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, 2, &program) != 0) _exit(1);
    if (open(folder_->path().c_str(), O_TMPFILE | O_WRONLY, 0666) >= 0) _exit(2);
    Result<bool> made = MakeFile(At("f"), "one"), again = MakeFile(At("f"), "two");
    _exit(made.value_or(false) && !again.value_or(true) ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Text(At("f")), "one");
  EXPECT_EQ(EntryCount(), 1u);
}

TEST_F(FilesTest, MakingAFileDropsNoLockOnIt) {
  // Another thread locks the file as soon as it has its name; a lock goes with any descriptor's end.
  std::atomic<bool> locked = false;
  std::thread other([&] {
    const FileDescriptor file([&] {
      int fd = -1;
      while ((fd = open(At("f").c_str(), O_RDWR)) < 0) continue;
      return fd;
    }());
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    EXPECT_EQ(fcntl(file.get(), F_SETLK, &lock), 0);
    locked = true;
    while (locked) usleep(100);
  });
  EXPECT_TRUE(MakeFile(At("f"), "one").value());
  while (!locked) usleep(100);
  const pid_t child = fork();
  if (child == 0) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    const int file = open(At("f").c_str(), O_RDWR);
    _exit(fcntl(file, F_SETLK, &lock) == 0 ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  locked = false;
  other.join();
}

TEST_F(FilesTest, MakeFolderMakesThoseAbove) {
  ASSERT_TRUE(MakeFolder(At("a/b/c")).ok());
  EXPECT_TRUE(fs::is_directory(At("a/b/c")));
  EXPECT_TRUE(MakeFolder(At("a/b/c")).ok());
}

TEST_F(FilesTest, TemporaryFolderGoesAway) {
  fs::path path;
  {
    TemporaryFolder folder = TemporaryFolder::Make().value();
    path = folder.path();
    ASSERT_TRUE(WriteFile(path / "f", "x").ok());
    TemporaryFolder moved = std::move(folder);
    EXPECT_TRUE(fs::exists(path / "f"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(Folders, FollowTheXdgSpecification) {
  WithVariable home("HOME", "/users/someone");
  {
    WithVariable data("XDG_DATA_HOME", "/data");
    WithVariable cache("XDG_CACHE_HOME", "/cache");
    EXPECT_EQ(DataFolder().value(), "/data/tunesmith");
    EXPECT_EQ(CacheFolder().value(), "/cache/tunesmith");
  }
  for (const char* ignored : {static_cast<const char*>(nullptr), "", "relative/path"}) {
    WithVariable data("XDG_DATA_HOME", ignored);
    WithVariable cache("XDG_CACHE_HOME", ignored);
    EXPECT_EQ(DataFolder().value(), "/users/someone/.local/share/tunesmith");
    EXPECT_EQ(CacheFolder().value(), "/users/someone/.cache/tunesmith");
  }
}

TEST(Folders, ExecutableFolderHoldsThisTest) {
  EXPECT_TRUE(fs::exists(ExecutableFolder().value() / "support_files_test"));
}

TEST(Memory, IsPlausible) {
  EXPECT_GT(MemoryBytes(), int64_t{64} << 20);
  EXPECT_LT(MemoryBytes(), int64_t{1} << 50);
}

}  // namespace
}  // namespace tunesmith
