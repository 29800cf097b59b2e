// SPDX-License-Identifier: Apache-2.0
// Putting a library in its place: all of it or nothing, and nobody else's files are touched.
#include "library/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <tuple>

#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

namespace fs = std::filesystem;

class FolderTest : public testing::Test {
 protected:
  FolderTest() : temporary_(TemporaryFolder::Make().value()), top_(temporary_.path()) {}

  /// A library's files with this text in each.
  static Files FilesWith(const std::string& text) {
    Files files;
    files["include/a.h"].bytes = text;
    files["bin/a"] = {text, true};
    files["python/a.py"].bytes = text;
    files["manifest.json"].bytes =
        R"({"format": "tunesmith library 1", "files": ["bin/a", "include/a.h", "python/a.py"], "text": ")" +
        text + "\"}";
    return files;
  }
  static std::string TextOf(const fs::path& file) { return ReadFile(file, 1 << 20).value_or("(missing)"); }
  std::set<std::string> Names(const fs::path& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
    return names;
  }
  std::string MessageOf(const Status& status) const {
    std::string text(tunesmith::MessageOf(status));
    for (size_t at = text.find(top_.string()); at != std::string::npos; at = text.find(top_.string()))
      text.replace(at, top_.string().size(), "TOP");
    return text;
  }

  TemporaryFolder temporary_;
  fs::path top_;
};

TEST_F(FolderTest, IsMade) {
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  EXPECT_EQ(Names(top_), std::set<std::string>{"lib"});
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
  struct stat info;
  ASSERT_EQ(stat((top_ / "lib/bin/a").c_str(), &info), 0);
  EXPECT_NE(info.st_mode & S_IXUSR, 0u);
  ASSERT_EQ(stat((top_ / "lib/include/a.h").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & S_IXUSR, 0u);
  // As other folders that this process makes, not private to it.
  fs::create_directory(top_ / "usual");
  struct stat usual;
  ASSERT_EQ(stat((top_ / "usual").c_str(), &usual), 0);
  ASSERT_EQ(stat((top_ / "lib").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode, usual.st_mode);
}

TEST_F(FolderTest, TakesThePlaceOfAnEmptyOneAndOfAnEarlierLibrary) {
  fs::create_directory(top_ / "lib");
  ASSERT_TRUE(WriteFolder(top_ / "lib/", FilesWith("one")).ok());
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
  Files fewer = FilesWith("two");
  fewer.erase("bin/a");
  fs::create_directory(top_ / "lib/python/__pycache__");
  std::ofstream(top_ / "lib/python/__pycache__/a.cpython-311.pyc") << "x";
  ASSERT_TRUE(WriteFolder(top_ / "lib", fewer).ok());
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "two");
  EXPECT_FALSE(fs::exists(top_ / "lib/bin"));
  EXPECT_EQ(Names(top_), std::set<std::string>{"lib"});
}

TEST_F(FolderTest, ThatIsEmptyStaysAndIsFilled) {
  fs::create_directory(top_ / "lib");
  if (geteuid() == 0) {
    ASSERT_EQ(chown((top_ / "lib").c_str(), 65534, 65533), 0);
  }
  ASSERT_EQ(chmod((top_ / "lib").c_str(), 02700), 0);
  const fs::path before = fs::current_path();
  fs::current_path(top_ / "lib");
  struct stat was, is, file;
  ASSERT_EQ(stat(".", &was), 0);
  EXPECT_EQ(MessageOf(WriteFolder(".", FilesWith("one"))), "");
  EXPECT_EQ(TextOf("include/a.h"), "one");  // as whoever stands in it sees it
  ASSERT_EQ(stat((top_ / "lib").c_str(), &is), 0);
  EXPECT_EQ(std::tuple(is.st_ino, is.st_mode, is.st_uid, is.st_gid),
            std::tuple(was.st_ino, was.st_mode, was.st_uid, was.st_gid));
  ASSERT_EQ(stat("include/a.h", &file), 0);
  EXPECT_EQ(file.st_gid, was.st_gid);
  EXPECT_EQ(Names("."), (std::set<std::string>{"bin", "include", "manifest.json", "python"}));
  fs::current_path(before);
}

TEST_F(FolderTest, ALibrarysSuccessorHasItsOwnerGroupAndMode) {
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  if (geteuid() == 0) {
    ASSERT_EQ(chown((top_ / "lib").c_str(), 65534, 65533), 0);
  }
  ASSERT_EQ(chmod((top_ / "lib").c_str(), 02750), 0);
  struct stat was, is, file;
  ASSERT_EQ(stat((top_ / "lib").c_str(), &was), 0);
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("two")).ok());
  ASSERT_EQ(stat((top_ / "lib").c_str(), &is), 0);
  EXPECT_EQ(std::tuple(is.st_mode, is.st_uid, is.st_gid), std::tuple(was.st_mode, was.st_uid, was.st_gid));
  ASSERT_EQ(stat((top_ / "lib/include/a.h").c_str(), &file), 0);
  EXPECT_EQ(file.st_gid, was.st_gid);
}

TEST_F(FolderTest, ThatThisRunsInIsNotReplaced) {
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  const fs::path before = fs::current_path();
  for (const auto& [where, name] : {std::pair("lib", "."), std::pair("lib/include", "..")}) {
    fs::current_path(top_ / where);
    EXPECT_EQ(MessageOf(WriteFolder(name, FilesWith("two"))),
              "cannot replace the library in TOP/lib: a new folder is put in its place, and whoever works in "
              "it, as this command does, would be left in the old one; run it from another folder, or empty "
              "this one");
  }
  fs::current_path(before);
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
}

TEST_F(FolderTest, WhatAKilledProcessLeftIsRemoved) {
  const char *left = ".lib.tunesmith-AbCd12", *busy = ".lib.tunesmith-EfGh34", *mine = ".lib.backup";
  for (const char* name : {left, busy, mine}) fs::create_directories(top_ / name / "lib/include");
  FileDescriptor other(open((top_ / busy).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  EXPECT_EQ(Names(top_), (std::set<std::string>{busy, mine, "lib"}));
  // In a folder that is filled, too.
  fs::create_directories(top_ / "empty/.empty.tunesmith-AbCd12/empty/include");
  EXPECT_EQ(MessageOf(WriteFolder(top_ / "empty", FilesWith("one"))), "");
  EXPECT_EQ(Names(top_ / "empty"), (std::set<std::string>{"bin", "include", "manifest.json", "python"}));
}

TEST_F(FolderTest, FollowsALink) {
  fs::create_directory(top_ / "real");
  fs::create_directory_symlink("real", top_ / "link");
  ASSERT_TRUE(WriteFolder(top_ / "link", FilesWith("one")).ok());
  EXPECT_TRUE(fs::is_symlink(top_ / "link"));
  EXPECT_EQ(TextOf(top_ / "real/include/a.h"), "one");
}

TEST_F(FolderTest, WithForeignFilesIsRefused) {
  fs::create_directory(top_ / "lib");
  std::ofstream(top_ / "lib/thesis.txt") << "mine";
  Status status = WriteFolder(top_ / "lib", FilesWith("one"));
  EXPECT_EQ(MessageOf(status),
            "cannot write a library to TOP/lib: it holds thesis.txt, which is not of a library; name a "
            "folder that is "
            "new or empty");
  EXPECT_EQ(MessageOf(CheckFolder(top_ / "lib")), MessageOf(status));
  EXPECT_EQ(Names(top_ / "lib"), std::set<std::string>{"thesis.txt"});
  EXPECT_EQ(Names(top_), std::set<std::string>{"lib"});

  // A manifest of something else makes nothing ours, and beside a library's files others stay foreign.
  std::ofstream(top_ / "lib/manifest.json") << R"({"format": "web app", "files": ["thesis.txt"]})";
  EXPECT_FALSE(CheckFolder(top_ / "lib").ok());
  fs::remove_all(top_ / "lib");
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  std::ofstream(top_ / "lib/include/thesis.txt") << "mine";
  EXPECT_EQ(MessageOf(WriteFolder(top_ / "lib", FilesWith("two"))),
            "cannot write a library to TOP/lib: it holds include/thesis.txt, which is not of a library; name "
            "a folder "
            "that is new or empty");
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
}

TEST_F(FolderTest, WithForeignFoldersIsRefused) {
  auto refusal = [](const std::string& path) {
    return "cannot write a library to TOP/lib: it holds " + path +
           ", which is not of a library; name a folder that is new or empty";
  };
  fs::create_directories(top_ / "lib/notes");
  EXPECT_EQ(MessageOf(WriteFolder(top_ / "lib", FilesWith("one"))), refusal("notes"));
  EXPECT_TRUE(fs::is_directory(top_ / "lib/notes"));
  fs::remove(top_ / "lib/notes");
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  for (const char* mine : {"notes", "include/notes", "python/__pycache__/notes", "bin/a"}) {
    fs::remove(top_ / "lib/bin/a");  // a folder in a file's place is no file of the library
    fs::create_directories(top_ / "lib" / mine);
    EXPECT_EQ(MessageOf(WriteFolder(top_ / "lib", FilesWith("two"))), refusal(mine));
    EXPECT_TRUE(fs::is_directory(top_ / "lib" / mine));
    EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
    fs::remove(top_ / "lib" / mine);
  }
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("two")).ok());  // what is missing does not matter
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "two");
}

TEST_F(FolderTest, ThatIsNoFolderIsRefused) {
  std::ofstream(top_ / "file") << "x";
  EXPECT_EQ(MessageOf(WriteFolder(top_ / "file", FilesWith("one"))),
            "cannot write a library to TOP/file: it is not a folder; name one that is new or empty");
  EXPECT_EQ(MessageOf(CheckFolder("/dev/full")),
            "cannot write a library to /dev/full: it is not a folder; name one that is new or empty");
  EXPECT_EQ(MessageOf(CheckFolder("")), "the output folder's name is empty");
  EXPECT_EQ(TextOf(top_ / "file"), "x");
}

TEST_F(FolderTest, BelowAMissingFolderOrAFileIsRefused) {
  EXPECT_EQ(
      MessageOf(WriteFolder(top_ / "missing/lib", FilesWith("one"))),
      "cannot write to TOP/missing: No such file or directory; check the path, and that its folder exists");
  std::ofstream(top_ / "file") << "x";
  EXPECT_EQ(MessageOf(WriteFolder(top_ / "file/lib", FilesWith("one"))),
            "cannot write to TOP/file: Not a directory; a part of the path is a file; name a folder there");
  EXPECT_EQ(Names(top_), std::set<std::string>{"file"});
}

/// Without root's power over permissions, for as long as it lives.
class AsNobody {
 public:
  AsNobody() : root_(geteuid() == 0) {
    if (root_) {
      EXPECT_EQ(seteuid(65534), 0);
    }
  }
  ~AsNobody() {
    if (root_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }

 private:
  bool root_;
};

TEST_F(FolderTest, ThatIsReadOnlyIsRefused) {
  fs::permissions(top_, fs::perms(0755));
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  fs::create_directory(top_ / "above");
  fs::permissions(top_ / "above", fs::perms(0555));
  fs::permissions(top_ / "lib", fs::perms(0555));
  std::string above, itself;
  {
    AsNobody nobody;
    above = MessageOf(WriteFolder(top_ / "above/lib", FilesWith("two")));
    itself = MessageOf(WriteFolder(top_ / "lib", FilesWith("two")));
  }
  const std::string reason =
      ": Permission denied; choose a place that you may use, or change its permissions";
  EXPECT_EQ(above, "cannot make a folder in TOP/above" + reason);
  EXPECT_TRUE(itself == "cannot write to TOP/lib" + reason || itself == "cannot write to TOP" + reason)
      << itself;
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
  EXPECT_TRUE(Names(top_ / "above").empty());
  fs::permissions(top_ / "above", fs::perms(0755));
  fs::permissions(top_ / "lib", fs::perms(0755));
}

TEST_F(FolderTest, OnesOwnInAFolderOfAnotherIsFilledButNotReplaced) {
  fs::create_directory(top_ / "lib");
  fs::permissions(top_ / "lib", fs::perms(0777));
  fs::permissions(top_, fs::perms(0555));
  std::string filled, replaced;
  {
    AsNobody nobody;
    filled = MessageOf(WriteFolder(top_ / "lib", FilesWith("one")));
    replaced = MessageOf(WriteFolder(top_ / "lib", FilesWith("two")));
  }
  fs::permissions(top_, fs::perms(0755));
  EXPECT_EQ(filled, "");
  EXPECT_EQ(Names(top_ / "lib"), (std::set<std::string>{"bin", "include", "manifest.json", "python"}));
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
  EXPECT_EQ(replaced,
            "cannot replace the library in TOP/lib: a new one is put in its place as a whole, and nothing "
            "can be made beside it; empty it, or name another");
}

TEST_F(FolderTest, StaysAsItWasWhenAFileCannotBeWritten) {
  ASSERT_TRUE(WriteFolder(top_ / "lib", FilesWith("one")).ok());
  // No room for a file of more than 64 KiB.
  auto before = signal(SIGXFSZ, SIG_IGN);
  struct rlimit unlimited;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  struct rlimit limit = {64 << 10, unlimited.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  Files files = FilesWith("two");
  files["include/z.h"].bytes.assign(100 << 10, 'z');
  Status replaced = WriteFolder(top_ / "lib", files);
  Status fresh = WriteFolder(top_ / "new", files);
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, before);
  EXPECT_NE(MessageOf(replaced).find("include/z.h: File too large"), std::string::npos)
      << MessageOf(replaced);
  EXPECT_FALSE(fresh.ok());
  EXPECT_EQ(Names(top_), std::set<std::string>{"lib"});
  EXPECT_EQ(TextOf(top_ / "lib/include/a.h"), "one");
}

}  // namespace
}  // namespace tunesmith::library
