# The multi-threaded ZooKeeper C client (Debian: libzookeeper-mt-dev), as ZooKeeper::mt.
find_path(ZooKeeper_INCLUDE_DIR zookeeper/zookeeper.h REQUIRED)
find_library(ZooKeeper_LIBRARY zookeeper_mt REQUIRED)
if(NOT TARGET ZooKeeper::mt)
  add_library(ZooKeeper::mt UNKNOWN IMPORTED)
  set_target_properties(ZooKeeper::mt PROPERTIES
    IMPORTED_LOCATION ${ZooKeeper_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${ZooKeeper_INCLUDE_DIR}
    INTERFACE_COMPILE_DEFINITIONS THREADED)
endif()
