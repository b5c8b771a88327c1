package ordercache

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
)

// pageSize is the number of objects of other kinds that are in memory with all their metadata. With 256 KiB of annotations
// each they take about 30 MiB.
const pageSize = 50

// newInformer returns an informer of another kind, which lists in pages and strips the metadata of each page. API servers
// send a whole list to client-go's own informer, which strips nothing before it has all objects.
func newInformer(lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	inner := toolscache.ToListerWatcherWithContext(lw)
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		page, err := inner.ListWithContext(ctx, options)
		if err != nil {
			return nil, err
		}
		return page, meta.EachListItem(page, func(o runtime.Object) error {
			_, err := StripMetadata(o)
			return err
		})
	})
	pages.PageSize = pageSize
	pages.FullListIfExpired = false // the reflector tries again
	list := func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		// With a resource version, API servers ignore the limit.
		options.Limit, options.ResourceVersion, options.ResourceVersionMatch = 0, "", ""
		all, _, err := pages.ListWithAlloc(ctx, options)
		return all, err
	}
	paged := &toolscache.ListWatch{ListWithContextFunc: list, WatchFuncWithContext: inner.WatchWithContext}
	return toolscache.NewSharedIndexInformer(paged, example, resync, indexers)
}
